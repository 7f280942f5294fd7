import { ensureTestImages } from '../../setup/test-images.ts';

// Set-up, run just before, made the images that everybody needs.
await ensureTestImages();
