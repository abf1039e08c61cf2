"""The console: pages for operators over the same use cases as the API's."""
