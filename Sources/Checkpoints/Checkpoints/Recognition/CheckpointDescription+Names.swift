internal import Tensors

extension CheckpointDescription {
  /// What the names of tensors begin with where nothing is known of them: all that every name begins with and the
  /// part behind that, up to its dot, with how many tensors have it, in the order of the file. It tells people where
  /// a file is from. Empty for what is known.
  public var namesBegin: [(beginning: String, tensorCount: Int)] {
    guard case .unknown = subject else { return [] }
    let names = weights.parameters.map { Array($0.name.utf8) }
    let dot = UInt8(ascii: ".")
    guard var shared = names.first.map({ $0[...] }) else { return [] }
    for name in names {
      let count = zip(shared, name).prefix { $0 == $1 }.count
      shared = shared.prefix(count)
    }
    let start = (shared.lastIndex(of: dot) ?? -1) + 1
    var groups: [(beginning: [UInt8], tensorCount: Int)] = []
    var places: [[UInt8]: Int] = [:]
    for name in names {
      let end = name[start...].firstIndex(of: dot).map { $0 + 1 } ?? name.endIndex
      let beginning = Array(name[..<end])
      if let place = places[beginning] {
        groups[place].tensorCount += 1
      } else {
        places[beginning] = groups.count
        groups.append((beginning, 1))
      }
    }
    return groups.map { (String(decoding: $0.beginning, as: UTF8.self), $0.tensorCount) }
  }
}
