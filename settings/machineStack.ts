/** The stack of one machine. `npm run up` copies its file, adds the machine's own secrets, and keeps the stack in a separate backend. */
export const machineStack = "local";
