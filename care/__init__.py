"""Homes, elders, contacts, visits and the regional schemes they are cared for under."""
