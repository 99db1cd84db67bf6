internal import JSON
internal import Safetensors

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

  /// The tensor of a name in the module, or nil.
  func member(_ name: String) -> Member? {
    members.first { $0.name.utf8.elementsEqual(name.utf8) }
  }

  /// Modules that have a tensor which may be codes, in the order of the first such.
  static func groups(of tensors: [TensorDescription]) -> [StoredGroup] {
    var groups: [StoredGroup] = []
    var index = UTF8Index(capacity: tensors.count)
    let names = tensors.map { StoredName($0.name) }
    for (position, tensor) in tensors.enumerated() where tensor.dtype.mayBeCodes {
      let path = names[position].path
      if index.insert(path, at: groups.count, name: { groups[$0].path }) == nil {
        groups.append(StoredGroup(path: path, members: []))
      }
    }
    for (position, tensor) in tensors.enumerated() {
      guard let group = index.position(of: names[position].path, name: { groups[$0].path }) else {
        continue
      }
      groups[group].members.append(
        Member(name: names[position].name, tensor: position, description: tensor))
    }
    return groups
  }
}
