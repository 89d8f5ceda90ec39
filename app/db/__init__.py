"""The tables, the engine, the transaction. Only ``tx.py`` commits."""
