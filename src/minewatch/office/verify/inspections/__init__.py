"""Inspections: who inspects, visits planned or drawn at random, what they brought, what is published."""
