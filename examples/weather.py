"""A tool that a model can call: `constrain tools --tools examples/weather.py:get_weather --prompt ...`."""


def get_weather(city: str, days: int = 1) -> dict[str, object]:
    """Weather forecast for a city, for some days."""
    return {"city": city, "days": days, "forecast": "sunny", "degrees": 24}
