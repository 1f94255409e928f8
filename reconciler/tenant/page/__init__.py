"""The tenant's web page: server-rendered, complete without JavaScript.

Routes stand in `routes.py`, what every request goes through in `front.py`, texts in `../templates`,
looks in `../static`.
"""
