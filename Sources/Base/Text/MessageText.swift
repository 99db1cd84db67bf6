/// A name from a file between quotes, cut when it is very long.
package func quoted(_ name: String) -> String {
  let count = name.utf8.count
  return count <= 300 ? "'\(name)'" : "'\(name.prefix(100))…' (\(count) bytes)"
}

/// The first of some names, and how many more there are.
package func shortList(_ names: [String]) -> String {
  let first = names.prefix(5).joined(separator: ", ")
  return names.count <= 5 ? first : "\(first) and \(names.count - 5) more"
}
