/** Takes one short line about what is done to the host, and prints it: results go to stdout, talk goes to stderr. */
export type Say = (topic: string, text: string) => void;
