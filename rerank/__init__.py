"""The second stage: how well does each candidate fit?"""
