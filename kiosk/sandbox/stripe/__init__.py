"""A stand-in for Stripe: the API, the browser script with its forms, webhooks."""
