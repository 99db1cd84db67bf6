/// The version of every command and of what they write into files.
public let toolkitVersion = "0.1.0"
