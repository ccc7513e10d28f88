/** The two servers that speak this protocol; they differ in more than a name. */
export type Flavor = 'mysql' | 'mariadb';
