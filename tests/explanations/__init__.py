"""Why a text is refused.

Each module has its test; `schema_walk`, `wording` and `reading_on` keep their promise in that of the search.
"""
