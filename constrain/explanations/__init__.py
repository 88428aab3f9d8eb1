"""Why is a token or a text refused, and what would have done?"""
