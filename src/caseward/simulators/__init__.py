"""Vendors of our own making: loopback servers that speak what the vendors document, to try and to test the desk with.

They know nothing of the house, so that a mistake of the one is not repeated by the other. `caseward simulate` serves
their pages; tests start them with `serving.running`.
"""
