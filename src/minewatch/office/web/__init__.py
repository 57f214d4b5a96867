"""The console, the API and the public pages: translate, one call, translate back."""
