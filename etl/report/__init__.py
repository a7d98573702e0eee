"""The HTML page about a run: ``read`` collects the facts, ``charts`` draws them, ``html`` puts them into a page."""
