/// A zip archive with one stored entry of no bytes, which by its name is PyTorch's or not.
///
/// Source: PKWARE APPNOTE 4.3.7, 4.3.12, 4.3.16.
public func torchArchive(entry: String = "archive/data.pkl") -> [UInt8] {
  let name = Array(entry.utf8)
  let length = [UInt8(name.count), 0]
  let zeros = { (count: Int) in [UInt8](repeating: 0, count: count) }
  let local = Array("PK\u{3}\u{4}".utf8) + zeros(22) + length + zeros(2) + name
  let central = Array("PK\u{1}\u{2}".utf8) + zeros(24) + length + zeros(16) + name
  return local + central + Array("PK\u{5}\u{6}".utf8) + zeros(4) + [1, 0, 1, 0]
    + [UInt8(central.count), 0, 0, 0] + [UInt8(local.count), 0, 0, 0] + zeros(2)
}
