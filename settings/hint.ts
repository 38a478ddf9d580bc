/** The details that a refused value adds to its problem, besides the words. */
export interface Hint {
    /** An accepted value, for the command that repairs the setting. */
    example?: unknown;
    /** The value that was probably meant, if the program can tell. */
    meant?: (input: unknown) => string | undefined;
    /** To repair it, remove the key. */
    remove?: boolean;
    /** The value must be a list. */
    list?: boolean;
    /** To repair it, set the variable in `sms:secretEnv` instead. */
    secretEnv?: boolean;
    /** Whether the value may be a credential. Then it must not be shown. */
    hidden?: boolean | ((input: unknown) => boolean);
    /** The default value that a rule refused, if the file doesn't have the key. */
    byDefault?: unknown;
}
