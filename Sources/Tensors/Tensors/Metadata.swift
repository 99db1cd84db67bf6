package import JSON
internal import Text

/// The texts of a file's header, in the file's order; keys are compared by their bytes, and of equal
/// ones the first counts.
public struct Metadata: Sendable {
  private var texts: [(key: String, value: String)]

  /// The fields that have a text, in their order, their keys behind a prefix.
  package init(_ fields: [(key: String, value: String?)], prefix: String = "") {
    texts = fields.compactMap { key, value in value.map { (prefix + key, $0) } }
  }

  /// The text of a key. One that is set stands where the key is already, or else at the end; nil
  /// removes it.
  public subscript(key: String) -> String? {
    get { texts.first { $0.key.sameBytes(as: key) }?.value }
    set {
      let place = texts.firstIndex { $0.key.sameBytes(as: key) }
      switch (place, newValue) {
      case (let place?, let value?): texts[place].value = value
      case (nil, let value?): texts.append((key, value))
      default: texts.removeAll { $0.key.sameBytes(as: key) }
      }
    }
  }

  /// The texts with others set.
  package func setting(_ changes: Metadata) -> Metadata {
    changes.reduce(into: self) { $0[$1.key] = $1.value }
  }

  /// The texts on which all others agree.
  package func agreeing(with others: some Sequence<Metadata>) -> Metadata {
    filter { text in others.allSatisfy { $0[text.key] == text.value } }
  }

  /// The texts without digests of the file that they were read from, which are true of no other.
  package var withoutDigests: Metadata {
    filter { text in !Self.digestPrefixes.contains { text.key.utf8HasPrefix($0) } }
  }

  /// Source: kohya-ss/sd-scripts, `library/train_util.py`, `precalculate_safetensors_hashes`;
  /// Stability-AI/ModelSpec, `modelspec.hash_sha256`.
  private static let digestPrefixes = ["sshs_", "modelspec.hash_"]

  /// The texts as the members of an object.
  package var json: JSONObject {
    JSONObject(map { JSONObject.Member(key: $0.key, value: .string($0.value)) })
  }
}

extension Metadata: RandomAccessCollection, RangeReplaceableCollection, ExpressibleByArrayLiteral {
  /// No texts.
  public init() { texts = [] }

  /// These texts, in this order.
  public init(arrayLiteral elements: (key: String, value: String)...) { texts = elements }

  /// The place of the first text.
  public var startIndex: Int { texts.startIndex }

  /// The place after the last text.
  public var endIndex: Int { texts.endIndex }

  /// A key and its text.
  public subscript(position: Int) -> (key: String, value: String) { texts[position] }

  /// Puts texts in the place of some.
  public mutating func replaceSubrange(
    _ range: Range<Int>, with texts: some Collection<(key: String, value: String)>
  ) { self.texts.replaceSubrange(range, with: texts) }
}
