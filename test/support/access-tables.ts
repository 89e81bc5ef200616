import * as catalog from '../catalog-access.ts'
import * as enrollment from '../enrollment-access.ts'

/** For `docs/access.md`: a document that no test has tried out would soon be wrong. */
export const accessTables = [
  {
    title: 'In the catalogue',
    file: 'catalog-access',
    namespace: '/catalog',
    people: catalog.PEOPLE,
    objects: catalog.OBJECTS,
    lines: catalog.catalogAccess,
  },
  {
    title: 'With what is learned and paid',
    file: 'enrollment-access',
    namespace: '/live',
    people: enrollment.PEOPLE,
    objects: enrollment.OBJECTS,
    lines: enrollment.enrollmentAccess,
  },
]
