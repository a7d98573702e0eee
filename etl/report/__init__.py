"""The HTML pages about a run and about the whole library.

``read`` collects the facts, ``charts`` draws them, ``run_page`` and ``library_page`` put them into a page.
"""
