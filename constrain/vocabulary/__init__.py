"""From a tokenizer to tables: token bytes, their trie, packed masks, and what each terminal state takes."""
