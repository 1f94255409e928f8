"""How this machine reaches others: the proxies that apply, and the certificate authorities that are
trusted.

For the tenant, the secret stores and deliveries. It knows nothing of webhooks and sends nothing
itself. Entry points: `proxies.Network`, and `trust.trusting`. Nothing is imported here: TLS costs a
start of the program 10 ms.
"""
