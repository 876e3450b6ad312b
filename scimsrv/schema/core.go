package schema

// Builders of the built-in definitions. A plain attribute is a readWrite string
// that is compared without regard to case and returned by default, which is what
// most attributes of RFC 7643 §8.7.1 are.

func text(name, description string) *Attribute {
	return &Attribute{Name: name, Description: description, Type: String,
		Mutability: ReadWrite, Returned: ReturnedDefault, Uniqueness: UniqueNone}
}

func (a *Attribute) as(t Type) *Attribute             { a.Type = t; return a }
func (a *Attribute) exact() *Attribute                { a.CaseExact = true; return a }
func (a *Attribute) required() *Attribute             { a.Required = true; return a }
func (a *Attribute) readOnly() *Attribute             { a.Mutability = ReadOnly; return a }
func (a *Attribute) immutable() *Attribute            { a.Mutability = Immutable; return a }
func (a *Attribute) key() *Attribute                  { a.Key = true; return a }
func (a *Attribute) discarded() *Attribute            { a.Discarded = true; return a }
func (a *Attribute) canonical(v ...string) *Attribute { a.CanonicalValues = v; return a }

func (a *Attribute) reference(types ...string) *Attribute {
	a.Type, a.ReferenceTypes, a.CaseExact = Reference, types, true
	return a
}

func complexOf(name, description string, sub ...*Attribute) *Attribute {
	a := text(name, description).as(Complex)
	a.Sub = sub
	return a
}

// plural is a multi-valued attribute with the sub-attributes of RFC 7643 §2.4.
func plural(name, description string, value *Attribute, types ...string) *Attribute {
	a := complexOf(name, description,
		value,
		text("display", "A name to show for the value."),
		text("type", "What the value is for.").canonical(types...),
		text("primary", "Whether this is the preferred value; true for at most one.").as(Boolean),
	)
	a.MultiValued = true
	return a
}

// common returns the attributes that every resource has and no schema lists
// (RFC 7643 §3.1), schemas included.
func common() []*Attribute {
	id := text("id", "The identifier that the server gave to the resource.").exact().readOnly().required()
	id.Returned, id.Uniqueness = ReturnedAlways, UniqueServer
	schemas := text("schemas", "The URNs of the schemas of the resource.").reference("uri").readOnly().required()
	schemas.MultiValued, schemas.Returned = true, ReturnedAlways
	return []*Attribute{
		schemas,
		id,
		text("externalId", "The identifier that the client gave to the resource.").exact().key(),
		complexOf("meta", "What the server knows about the resource.",
			text("resourceType", "The name of the resource type.").exact().readOnly(),
			text("created", "When the resource was created.").as(DateTime).readOnly(),
			text("lastModified", "When the resource was last changed.").as(DateTime).readOnly(),
			text("location", "The URI of the resource.").reference("uri").readOnly(),
			text("version", "The entity tag of the resource.").exact().readOnly(),
		).readOnly(),
	}
}

// password is accepted wherever a sender puts one, and kept nowhere.
func password() *Attribute {
	a := text("password", "Accepted and thrown away.").exact().discarded()
	a.Mutability, a.Returned, a.Unpublished = WriteOnly, ReturnedNever, true
	return a
}

// User returns the core user schema of RFC 7643 §4.1 and §8.7.1.
func User() *Schema {
	userName := text("userName", "The name by which the user is known to the sender; unique.").required().key()
	userName.Uniqueness = UniqueServer
	active := text("active", "Whether the user is in active use; true unless the sender says otherwise.").as(Boolean)
	active.Default = true
	addresses := complexOf("addresses", "Postal addresses.",
		text("formatted", "The whole address, ready to print."),
		text("streetAddress", "House number, street and what belongs to it."),
		text("locality", "City."),
		text("region", "State or region."),
		text("postalCode", "Postal code."),
		text("country", "Country, as a rule in ISO 3166-1 alpha-2."),
		text("type", "What the address is for.").canonical("work", "home", "other"),
		text("primary", "Whether this is the preferred address; true for at most one.").as(Boolean),
	)
	addresses.MultiValued = true
	groups := complexOf("groups", "The groups that the user is a member of; changed through the group.",
		text("value", "The id of the group.").exact().readOnly(),
		text("$ref", "The URI of the group.").reference("Group").readOnly().discarded(),
		text("display", "The name of the group.").readOnly(),
		text("type", "Whether the membership is direct.").canonical("direct", "indirect").readOnly(),
	).readOnly()
	groups.MultiValued = true
	return &Schema{
		URN: UserURN, Name: "User", Description: "User account",
		Attributes: []*Attribute{
			userName,
			complexOf("name", "The parts of the user's name.",
				text("formatted", "The whole name, ready to show."),
				text("familyName", "Family name."),
				text("givenName", "Given name."),
				text("middleName", "Middle names."),
				text("honorificPrefix", "Title before the name."),
				text("honorificSuffix", "Suffix after the name."),
			),
			text("displayName", "The name to show for the user."),
			text("nickName", "What the user is casually called."),
			text("profileUrl", "A page about the user.").reference("external"),
			text("title", "Job title."),
			text("userType", "The relation between the organisation and the user."),
			text("preferredLanguage", "Preferred language, as in Accept-Language."),
			text("locale", "Locale for formats, for example fr-FR."),
			text("timezone", "Time zone name, for example Europe/Paris."),
			active,
			password(),
			plural("emails", "Email addresses.", text("value", "The email address.").key(), "work", "home", "other"),
			plural("phoneNumbers", "Telephone numbers, kept as written.", text("value", "The telephone number."),
				"work", "home", "mobile", "fax", "pager", "other"),
			plural("ims", "Instant messaging addresses.", text("value", "The address."),
				"aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
			plural("photos", "Pictures of the user.", text("value", "Where the picture is.").reference("external"),
				"photo", "thumbnail"),
			addresses,
			groups,
			plural("entitlements", "What the user is entitled to.", text("value", "The entitlement.")),
			plural("roles", "The user's roles.", text("value", "The role, as the sender writes it.")),
			plural("x509Certificates", "Certificates of the user, kept as they are.",
				text("value", "A DER certificate in base64.").as(Binary).exact()),
		},
	}
}

// EnterpriseUser returns the extension of RFC 7643 §4.3.
func EnterpriseUser() *Schema {
	return &Schema{
		URN: EnterpriseUserURN, Name: "EnterpriseUser", Description: "Enterprise user",
		Attributes: []*Attribute{
			text("employeeNumber", "The number or code that the organisation gave to the person."),
			text("costCenter", "Cost centre."),
			text("organization", "Organisation."),
			text("division", "Division."),
			text("department", "Department."),
			complexOf("manager", "The user's manager.",
				text("value", "The manager: a SCIM id, userName, email or employee number.").exact(),
				text("$ref", "The URI of the manager.").reference("User").discarded(),
				text("displayName", "The manager's name.").readOnly(),
			),
		},
	}
}

// JaveloUser returns Javelo's extension. It is open: a tenant's own keys are
// kept as strings. Its fields were seen in public clients of Javelo's SCIM
// service; Javelo's own description of them could not be read (unverified).
func JaveloUser() *Schema {
	return &Schema{
		URN: JaveloUserURN, Name: "JaveloUser", Description: "Javelo user", Open: true,
		Attributes: []*Attribute{
			text("managerUserName", "The userName of the manager."),
			text("status", "The status of the person in Javelo."),
			text("grade", "Grade."),
			text("seniorityDate", "The date from which seniority counts, as YYYY-MM-DD.").exact(),
			text("contractStartDate", "The first day of the contract, as YYYY-MM-DD.").exact(),
		},
	}
}

// Group returns the group schema of RFC 7643 §4.2. The displayName is required,
// as erratum 5368 has it.
func Group() *Schema {
	members := complexOf("members", "The members of the group.",
		text("value", "The id of the member.").exact().key().immutable(),
		text("$ref", "The URI of the member.").reference("User", "Group").immutable().discarded(),
		text("display", "A name to show for the member.").immutable(),
		text("type", "User or Group; may be left out.").canonical("User", "Group").immutable(),
	)
	members.MultiValued = true
	return &Schema{
		URN: GroupURN, Name: "Group", Description: "Group",
		Attributes: []*Attribute{
			text("displayName", "The name of the group.").required().key(),
			members,
		},
	}
}
