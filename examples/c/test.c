#include <stdio.h>
#include <string.h>
#include "wrap.h"

static int failures;

static void check(const char *text, size_t width, const char *expected) {
  char copy[200];
  snprintf(copy, sizeof copy, "%s", text);
  wrap(copy, width);
  if (strcmp(copy, expected) == 0) return;
  printf("width %zu: expected \"%s\", got \"%s\"\n", width, expected, copy);
  failures++;
}

int main(void) {
  check("", 5, "");
  check("one two", 20, "one two");
  check("one two", 4, "one\ntwo");
  check("one two three", 7, "one two\nthree");
  check("unbreakable word", 3, "unbreakable\nword");
  check("one\ntwo three", 9, "one\ntwo three");
  printf("%s\n", failures == 0 ? "all tests passed" : "FAILED");
  return failures != 0;
}
