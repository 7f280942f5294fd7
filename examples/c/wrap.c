#include "wrap.h"

void wrap(char *text, size_t width) {
  char *blank = NULL, *start = text;
  for (char *at = text; *at != '\0'; at++) {
    if (*at == '\n') {
      start = at + 1;
      blank = NULL;
      continue;
    }
    if (*at == ' ') {
      blank = at;
    } else if ((size_t)(at - start) >= width && blank != NULL) {
      *blank = '\n';
      start = blank + 1;
      blank = NULL;
    }
  }
}
