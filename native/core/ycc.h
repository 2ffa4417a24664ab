// From the planes of a JPEG (brightness and two colours, each at its own size) to the numbers a
// model takes: only the model's own pixels become RGB. The same rules as preprocess.h.
#pragma once

#include "preprocess.h"

namespace grocerd {

// 8 bits a sample, as stored in the JPEG. Does not own its samples.
struct Plane {
  const uint8_t* samples = nullptr;
  int stride = 0;             // bytes from one row to the next
  int width = 0, height = 0;  // of what may be read
  int shrunk_x = 1, shrunk_y = 1;  // how many pixels of the picture stand beside and below a sample
};

// Y, Cb, Cr of JFIF; grey has the first alone. Not yet upright.
struct YccPicture {
  Plane planes[3];
  int count = 0;
  double extent_width = 0, extent_height = 0;  // as in Picture
};

// As preprocess of a Picture, but that the pixels are resized before they become RGB.
void preprocess(const YccPicture& picture, const Turn& turn, const Box& box, const InputSpec& spec,
                float* tensor);

}  // namespace grocerd
