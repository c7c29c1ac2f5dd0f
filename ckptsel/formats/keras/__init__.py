"""What Keras writes: whole models, weights, shards; and its configs."""
