extension Picture {
  /// One picture of several of the same size, set side by side without gaps: row by row, each from
  /// the left.
  ///
  /// - Parameters:
  ///   - tiles: the pictures, a multiple of `columns`.
  ///   - columns: how many stand beside each other.
  public init(tiling tiles: [Picture], columns: Int) {
    precondition(columns > 0 && !tiles.isEmpty && tiles.count % columns == 0, "full rows of tiles")
    let (width, height) = (tiles[0].width, tiles[0].height)
    precondition(
      tiles.allSatisfy { $0.width == width && $0.height == height }, "tiles of one size")
    let stride = 3 * width
    var pixels: [UInt8] = []
    pixels.reserveCapacity(tiles.count * stride * height)
    for first in Swift.stride(from: 0, to: tiles.count, by: columns) {
      for row in 0..<height {
        for tile in tiles[first..<first + columns] {
          pixels += tile.pixels[row * stride..<(row + 1) * stride]
        }
      }
    }
    self.init(width: columns * width, height: tiles.count / columns * height, pixels: pixels)
  }
}
