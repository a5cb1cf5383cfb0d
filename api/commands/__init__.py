"""The commands whose answers are the API's: searching and serving."""
