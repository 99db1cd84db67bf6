extension AdapterFile {
  /// How many layers of each list have a module, by what stands before the first number of the modules'
  /// paths in the file: `double_blocks`, 19. For models whose layers are not described here.
  public var layerCounts: [(name: String, count: Int)] {
    var numbers: [String: Set<Int>] = [:]
    var names: [String] = []
    for entry in modules {
      var parts = entry.fileName.path.split { $0 == "." || $0 == "_" }
      // The model's own name, which diffusers puts before its paths.
      if parts.first == "unet" { parts.removeFirst() }
      guard let place = parts.firstIndex(where: { Int($0) != nil }), place > 0,
        let number = Int(parts[place])
      else { continue }
      let name = parts[..<place].joined(separator: "_")
      if numbers[name] == nil { names.append(name) }
      numbers[name, default: []].insert(number)
    }
    return names.map { ($0, numbers[$0]?.count ?? 0) }
  }
}
