export * from '../src/host-setup/find-program.ts';
