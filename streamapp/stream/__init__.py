"""The stream: Faust agents."""
