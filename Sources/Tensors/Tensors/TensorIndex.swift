internal import JSON
internal import Text

/// Where each name stands in a list. Names are compared by their bytes: Swift's `String` would let
/// a composed and a decomposed letter stand for one name.
package struct TensorIndex: Sendable {
  private let names: [String]
  private var index: UTF8Index

  /// An index of these names; of equal ones the first counts.
  package init(_ names: some Sequence<String>) {
    self.names = Array(names)
    index = UTF8Index(capacity: self.names.count)
    for (position, name) in self.names.enumerated() {
      _ = index.insert(name, at: position) { [names = self.names] in names[$0] }
    }
  }

  /// The position of a name, or nil.
  package subscript(name: String) -> Int? { index.position(of: name) { names[$0] } }

  /// Whether every one of these names exists after the prefix.
  package func contains(_ names: [String], prefix: String) -> Bool {
    names.allSatisfy { self[prefix + $0] != nil }
  }
}
