"""The adapters to Lambda and HTTP: routes, saga steps, pollers and workers. No other package imports them."""
