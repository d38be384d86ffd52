"""The pages, one file per page. A page is a coroutine from a `Visit` to a response."""
