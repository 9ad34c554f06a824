"""What can stand in front of the main view: one module a screen.

Vocabulary: a *screen* has a title, a body and Esc; the *stage* holds the open ones. The one rule: every screen works
at 40×15, is left by Esc, and loses nothing when it is left.
"""
