"""Makes a provider of a product's six calls: marks, revisions, comparison before and after a write.

Entry point: `driver.Driver`. It knows no product.
"""
