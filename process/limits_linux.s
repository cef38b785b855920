// This file is empty: it lets package process declare functions that have their body elsewhere.
