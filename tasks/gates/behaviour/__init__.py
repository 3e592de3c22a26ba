"""What becomes of a candidate's answers when its rows are changed.

After Ribeiro, Wu, Guestrin & Singh 2020, "Beyond Accuracy: Behavioral Testing of NLP Models with
CheckList": invariance (``same``), direction (``not_lower``, ``not_higher``) and change (``other``).
"""
