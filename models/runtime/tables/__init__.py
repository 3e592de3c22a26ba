"""Tables: values of a request, columns of a channel, and the features made of them."""
