/** Whether a user, as an image or a job writes it, is plainly root; a name of the image's own may still turn out to be. */
export function isRoot(user: string): boolean {
  return /^(?:root|0*)(?::|$)/.test(user);
}
