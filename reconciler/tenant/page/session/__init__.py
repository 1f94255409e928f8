"""The visitor: session, origin, CSRF token, the posted form; signing in and out.

Knows no form of a webhook. Entry points: `visit.Visit`, `checks`.
"""
