internal import Elements
internal import JSON
internal import Tensors
internal import Text

/// The tensors of one module.
struct StoredGroup {
  let path: String
  var members: [Member]

  /// A tensor of the module.
  struct Member {
    /// What it is there: `weight`, `weight_scale`.
    let name: String
    /// Its position among all.
    let tensor: Int
    let description: TensorDescription
  }

  /// What the model calls the weight.
  var parameter: String { Self.parameter(ofLayer: path) }

  /// What the model calls the weight of a module.
  static func parameter(ofLayer path: String) -> String {
    (path.isEmpty ? "" : path + ".") + "weight"
  }

  /// The tensor of a name in the module, or nil.
  func member(_ name: String) -> Member? {
    members.first { $0.name.sameBytes(as: name) }
  }

  /// The members that belong to one of them by their names, and that one.
  func part(of member: Member) -> StoredGroup {
    StoredGroup(
      path: path,
      members: members.filter { other in
        other.tensor == member.tensor || other.name.utf8HasPrefix("\(member.name)_")
          || other.name.utf8HasPrefix("\(member.name).")
      })
  }

  /// Modules that have a tensor which may be codes, in the order of the first such. What is named
  /// below a weight's module, or like it with a word more, belongs to the module too:
  /// `to_q.weight_quantizer._scale`, `to_q_scale`.
  ///
  /// - Parameters:
  ///   - tensors: all of a checkpoint.
  ///   - mayBeCodes: which types codes may have.
  /// - Returns: the modules with all of their tensors.
  static func groups(
    of tensors: [TensorDescription], where mayBeCodes: (DType) -> Bool
  ) -> [StoredGroup] {
    var groups: [StoredGroup] = []
    var index = UTF8Index(capacity: tensors.count)
    let names = tensors.map { StoredName($0.name) }
    // What may only be codes here comes last: scales are floats as well, and may stand before their codes.
    for isUsual in [true, false] {
      for (position, tensor) in tensors.enumerated()
      where tensor.dtype.mayBeCodes == isUsual && mayBeCodes(tensor.dtype) {
        let path = names[position].path
        if index.insert(path, at: groups.count, name: { groups[$0].path }) == nil {
          groups.append(StoredGroup(path: path, members: []))
        }
      }
    }
    for (position, tensor) in tensors.enumerated() {
      guard let group = index.position(of: names[position].path, name: { groups[$0].path }) else {
        continue
      }
      groups[group].members.append(
        Member(name: names[position].name, tensor: position, description: tensor))
    }
    let weights = groups.map { $0.member("weight")?.description.dtype.mayBeCodes ?? false }
    let lengths = Set(zip(groups, weights).lazy.filter(\.1).map(\.0.path.utf8.count))
    guard !lengths.isEmpty else { return groups }
    for (position, tensor) in tensors.enumerated() {
      let places = outerPlaces(of: tensor.name, path: names[position].path, lengths: lengths)
      for (path, name) in places {
        guard let group = index.position(of: path, name: { groups[$0].path }), weights[group] else {
          continue
        }
        groups[group].members.append(Member(name: name, tensor: position, description: tensor))
      }
    }
    return groups
  }

  /// The modules that a tensor may belong to besides the one that its name ends in, and what it is
  /// there. Only modules whose paths have one of these lengths come into question.
  private static func outerPlaces(
    of name: String, path: String, lengths: Set<Int>
  ) -> [(path: String, name: String)] {
    let bytes = Array(name.utf8)
    let last = path.utf8.isEmpty ? 0 : path.utf8.count + 1
    let words = Recognition.shared.storageWords.companionWords
    let hasWord = words.contains { word in
      String(decoding: bytes[last...], as: UTF8.self).contains(word)
    }
    return bytes.indices.dropFirst().compactMap { end in
      let isOuter = bytes[end] == UInt8(ascii: ".") && end + 1 < last
      let isAlike = bytes[end] == UInt8(ascii: "_") && end > last && hasWord
      guard isOuter || isAlike, lengths.contains(end) else { return nil }
      return (
        String(decoding: bytes[..<end], as: UTF8.self),
        String(decoding: bytes[(end + (isOuter ? 1 : 0))...], as: UTF8.self)
      )
    }
  }
}
