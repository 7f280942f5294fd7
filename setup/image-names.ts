export * from '../src/host-setup/image-names.ts';
