"""Faces in photos: decode, detect, crop."""
