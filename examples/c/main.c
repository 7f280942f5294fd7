#include <stdio.h>
#include <stdlib.h>
#include "wrap.h"

int main(int argc, char **argv) {
  static char line[65536];
  long width = argc > 1 ? strtol(argv[1], NULL, 10) : 72;
  if (width < 1) {
    fprintf(stderr, "usage: wrap [width] < text\n");
    return 2;
  }
  while (fgets(line, sizeof line, stdin) != NULL) {
    wrap(line, (size_t)width);
    fputs(line, stdout);
  }
  return 0;
}
