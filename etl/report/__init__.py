"""The HTML page about a run: its facts are read (``reading``), drawn (``charts``), and put into a page (``html``)."""
