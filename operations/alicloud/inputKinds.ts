/** A value of an input. */
export type Value = null | boolean | number | string | Value[] | { [key: string]: Value };

/** The type of an input. `set` is a list of strings without order. `map` is an object with any names. An object allows only its names. */
export type Kind = "text" | "whole" | "flag" | "texts" | "set" | "map" | { readonly each: Inputs } | Inputs;

/** The allowed values. */
export interface Limits {
    /** The value, or each entry of a list, is one of these. */
    readonly oneOf?: readonly (string | number)[];
    /** The minimum and maximum of a number, or of a string's length. */
    readonly between?: readonly [number, number];
}

/** Limits that only the API checks, in the middle of an update. */
interface ApiLimits extends Limits {
    /** The API's error code. */
    readonly code: string;
    readonly accepts?: (value: Value) => boolean;
    readonly words?: string;
}

export interface Input extends Limits {
    readonly kind: Kind;
    readonly isRequired?: boolean;
    /** The input may be left out, but may not be empty. */
    readonly isFilled?: boolean;
    /** A further rule that the provider checks in the preview. Returns the fault. */
    readonly refuses?: (value: Value) => string | undefined;
    readonly api?: ApiLimits;
    /** A change replaces the resource. With `ifTold`, only if the state has a value. */
    readonly replaces?: boolean | "ifTold";
    /** "Optional and computed": if it is left out, the cloud chooses a value and keeps it. Other inputs that are left out are reset. */
    readonly isChosen?: boolean;
    /** The provider ignores changes of the input. */
    readonly isQuiet?: boolean;
    /** Read does not return the input, so the state keeps the program's value. */
    readonly isUntold?: boolean;
    /** A separate call sets the input after the creation. */
    readonly isLater?: boolean;
    /** An example of a value that the cloud or a person in the console sets if it is left out. The provider sees it as a change. */
    readonly fills?: Value;
    readonly defaultsTo?: Value;
    readonly isSecret?: boolean;
    /** If it is left out, it gets the resource's name in the program and seven random characters. */
    readonly isAutonamed?: boolean;
}

export type Inputs = { readonly [name: string]: Input };
