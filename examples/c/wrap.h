#include <stddef.h>

/* Breaks text at blanks, in place, so that no line is longer than width where that can be. */
void wrap(char *text, size_t width);
